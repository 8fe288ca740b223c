import fc from 'fast-check';
import t from 'tap';
import { StreamSlots } from '../../src/http2/stream-slots.ts';

t.test('property: holds what a Map would hold, also long after ids have lapped', async () => {
  const step = fc.record({ id: fc.integer({ min: 0, max: 600 }), isAdded: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const slots = new StreamSlots<{ readonly id: number }>();
      const model = new Map<number, { readonly id: number }>();
      for (const { id: half, isAdded } of steps) {
        const id = half * 2 + 1;
        const known = model.get(id);
        if (isAdded && known === undefined) {
          const stream = { id };
          slots.add(stream);
          model.set(id, stream);
        } else if (known !== undefined) {
          slots.delete(known);
          slots.delete(known);
          model.delete(id);
        }
        if (slots.get(id) !== model.get(id) || slots.size !== model.size) return false;
      }
      return JSON.stringify(slots.list()) === JSON.stringify([...model.values()].sort((a, b) => a.id - b.id));
    }),
  );
});
