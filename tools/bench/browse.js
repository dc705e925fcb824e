// Searches for a random word of what is on offer: 24 products, with what they can be narrowed down by.
import { call, flow, goods, pick, steady } from './shop.js';

export { handleSummary } from './shop.js';
export const options = steady();

const words = goods('words');

export default flow(() => call('GET', `/v1/products?q=${pick(words)}&limit=24&facets=true&currency=USD&country=US`, null, 200));
