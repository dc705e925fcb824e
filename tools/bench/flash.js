// A flash sale: SHOPPERS buyers, one SKU with a few hundred pieces, three times as many ATTEMPTS. SKU names it; how many were sold, the
// runner asks the database. Being out of stock is an answer, not an error.
import { Counter } from 'k6/metrics';
import { add, alone, cart, checkout, finish, flow, shoppers } from './shop.js';

export { handleSummary } from './shop.js';
export const options = alone({ executor: 'shared-iterations', vus: shoppers, iterations: Number(__ENV.ATTEMPTS || 600), maxDuration: '60s' });

const soldOut = new Counter('sold_out');

export default flow(() => {
  const path = cart();
  if (!path || !add(path, __ENV.SKU)) return false;
  const r = checkout(path);
  if (r.status === 409 && r.json('type').endsWith('/out-of-stock')) {
    soldOut.add(1);
    return false;
  }
  return r.status === 201 && finish(r.json('id'));
});
