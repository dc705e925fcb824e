// Product pages at a fixed rate (RATE a second), random products.
import { alone, call, duration, flow, goods, pick } from './shop.js';

export { handleSummary } from './shop.js';
export const options = alone({ executor: 'constant-arrival-rate', rate: Number(__ENV.RATE || 300), timeUnit: '1s', duration, preAllocatedVUs: 64 });

const products = goods('products');

export default flow(() => call('GET', `/v1/products/${pick(products)}`, null, 200));
