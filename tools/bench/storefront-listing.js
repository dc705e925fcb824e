// The storefront's pages of random departments.
import { flow, goods, page, pick, steady } from './shop.js';

export { handleSummary } from './shop.js';
export const options = steady();

const categories = goods('categories');

export default flow(() => page(`/en-us/c/${pick(categories)}`));
