// A guest buys two lines in ten requests, to the captured order. How many orders there were, the runner asks the database.
import { add, cart, checkout, finish, flow, goods, pick, steady } from './shop.js';

export { handleSummary } from './shop.js';
export const options = steady();

const skus = goods('skus');

export default flow(() => {
  const path = cart();
  if (!path) return false;
  const first = pick(skus);
  let second = pick(skus);
  while (second === first) second = pick(skus);
  if (!add(path, first) || !add(path, second)) return false;
  const r = checkout(path);
  return r.status === 201 && finish(r.json('id'));
});
