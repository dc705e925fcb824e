// What a line costs by the size of its cart: each shopper fills a cart of every size of SIZES but for one line, then adds the last one to
// each in turn and removes it again, so that whatever slows the machine down slows all sizes.
import { Trend } from 'k6/metrics';
import { call, cart, flow, goods, read, steady } from './shop.js';

export { handleSummary } from './shop.js';
export const options = steady();

const sizes = (__ENV.SIZES || '1,10,100,500').split(',').map(Number);
const skus = goods('skus');
const added = sizes.map((size) => new Trend(`added_${size}`));
let carts = null;

function fill(lines) {
  const path = cart();
  if (!path) return null;
  for (let from = 0; from < lines; from += 100) {
    const batch = [];
    for (let i = from; i < Math.min(from + 100, lines); i++) batch.push({ sku: skus[i], quantity: 1 });
    if (!call('POST', `${path}/lines/batch`, { lines: batch }, 201)) return null;
  }
  return path;
}

export default flow(() => {
  if (!carts) {
    const all = sizes.map((size) => fill(size - 1));
    if (all.includes(null)) return false;
    carts = all;
  }
  return sizes.every((size, i) => {
    const sku = skus[size - 1 + (__ITER % 40)];
    const r = read('POST', `${carts[i]}/lines`, { sku, quantity: 1 }, 201);
    if (!r) return false;
    added[i].add(r.timings.duration);
    return call('DELETE', `${carts[i]}/lines/${r.json(`lines.#(sku=="${sku}").id`)}`, null, 200);
  });
});
