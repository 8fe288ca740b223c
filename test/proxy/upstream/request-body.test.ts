import t from 'tap';
import { BufferBudget } from '../../../src/http2/index.ts';
import { RequestBody } from '../../../src/proxy/upstream/request-body.ts';

t.test('H4 what is kept for another try counts in the budget of all, and is too much when that is crowded', (t) => {
  const budget = new BufferBudget(1000);
  const body = new RequestBody(400, false, budget);
  body.keep(Buffer.alloc(300));
  t.same([budget.used, body.isOverLimit], [300, false]);
  body.keep(Buffer.alloc(101));
  t.same([budget.used, body.isOverLimit], [401, true], 'its own limit');
  body.release(1);
  t.same([budget.used, body.isOverLimit], [101, false]);
  budget.take(400);
  t.equal(body.isOverLimit, true, 'half of what all may hold');
  body.release(body.length);
  t.same([budget.used, body.isOverLimit], [400, false], 'nothing of it is left to let go');
  t.end();
});
