import fc from 'fast-check';
import t from 'tap';
import { decodeToken, encodeToken } from '../../../src/membership/bus/token.ts';

t.test('any name is one token, letters, digits, "_" and "-" are themselves', async (t) => {
  t.equal(encodeToken('live-store-zone_A-0'), 'live-store-zone_A-0');
  t.equal(encodeToken('a.b*c>d e=f'), 'a=2Eb=2Ac=3Ed=20e=3Df');
  t.equal(encodeToken('ö/'), '=C3=B6=2F');
  const visible = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)).join('');
  t.match(encodeToken(visible), /^[A-Za-z0-9_=-]+$/);
  t.equal(decodeToken(encodeToken(visible)), visible);
});

t.test('there is one token for a name and one name for a token', async () => {
  fc.assert(fc.property(fc.string({ minLength: 1, unit: 'binary' }), (name) => decodeToken(encodeToken(name)) === name.toWellFormed()));
  fc.assert(fc.property(fc.string(), (token) => decodeToken(token) === null || encodeToken(decodeToken(token) ?? '') === token));
});

t.test('what is not the token of a name', async (t) => {
  for (const token of ['', 'a.b', 'a=2e', 'a=41', 'a=', '=4', 'a b', '=FF', 'ö']) t.equal(decodeToken(token), null, token);
});
