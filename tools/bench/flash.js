// A flash sale: SHOPPERS buyers, one SKU with a few hundred pieces, three times as many attempts. SKU names it; how many were sold is
// counted in the databases by the runner. Being out of stock is an answer, not an error.
import http from 'k6/http';
import { check } from 'k6';
import { Counter } from 'k6/metrics';
import { add, base, finish, open, shoppers } from './shop.js';

const soldOut = new Counter('sold_out');
const attempts = Number(__ENV.ATTEMPTS || 600);

export const options = {
  scenarios: { sale: { executor: 'shared-iterations', vus: shoppers, iterations: attempts, maxDuration: '60s' } },
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
};

export default function () {
  const cart = open();
  if (!cart) return;
  const filled = add(cart, __ENV.SKU, 1);
  if (!filled) return;
  const r = http.post(`${base}/v1/checkouts`, JSON.stringify({ cart_id: cart.id, email: 'customer@example.com' }),
    { headers: { 'Content-Type': 'application/json' }, tags: { name: 'flash hold' } });
  if (r.status === 409) {
    check(r, { 'sold out is a typed answer': (x) => x.json('type').endsWith('/out-of-stock') });
    soldOut.add(1);
    return;
  }
  if (check(r, { 'flash hold': (x) => x.status === 201 })) finish(r.json());
}
