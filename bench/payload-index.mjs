// How much a payload index saves: count with a filter that 2 % of 100,000 points pass.
// Run after `npm run build`: node bench/payload-index.mjs
import { systemClock } from '../dist/services/clock.js';
import { copyRowsNow } from '../dist/services/optimizers/copy-rows.js';
import { RowFilter } from '../dist/services/points/row-filter.js';
import { Segment } from '../dist/services/points/segment.js';
import { Pace } from '../dist/services/points/pace.js';
