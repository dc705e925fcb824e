// A cart's life in six requests: create, add three lines, change one, read.
import { add, call, cart, flow, goods, pick, read, steady } from './shop.js';

export { handleSummary } from './shop.js';
export const options = steady();

const skus = goods('skus');

export default flow(() => {
  const path = cart();
  if (!path || !add(path, pick(skus)) || !add(path, pick(skus))) return false;
  const last = read('POST', `${path}/lines`, { sku: pick(skus), quantity: 1 }, 201);
  return last && call('PATCH', `${path}/lines/${last.json('lines.0.id')}`, { quantity: 2 }, 200) && call('GET', path, null, 200);
});
