// The storefront's pages of random products.
import { flow, goods, page, pick, steady } from './shop.js';

export { handleSummary } from './shop.js';
export const options = steady();

const products = goods('products');

export default flow(() => page(`/en-us/p/${pick(products)}`));
