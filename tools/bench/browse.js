// Listings of 24 products in random categories.
import { call, flow, goods, pick, steady } from './shop.js';

export { handleSummary } from './shop.js';
export const options = steady();

const categories = goods('categories');

export default flow(() => call('GET', `/v1/products?limit=24&category=${pick(categories)}&currency=USD&country=US`, null, 200));
