// What is suggested for the first two to five letters of a random word, at a fixed rate (RATE a second).
import { alone, call, duration, flow, goods, pick } from './shop.js';

export { handleSummary } from './shop.js';
export const options = alone({ executor: 'constant-arrival-rate', rate: Number(__ENV.RATE || 100), timeUnit: '1s', duration, preAllocatedVUs: 64 });

const words = goods('words');

export default flow(() => call('GET', `/v1/products/suggest?q=${pick(words).slice(0, 2 + Math.floor(Math.random() * 4))}`, null, 200));
