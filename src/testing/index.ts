export {
  type Check,
  check,
  checksOf,
  describeFindings,
  type Finding,
  type Progress,
  type Properties,
  type SnapshotTest,
} from './check.js';
export {
  type Coverage,
  type CoverageOptions,
  coverageOf,
  type Share,
  transitionCoverage,
  transitionPairCoverage,
} from './coverage.js';
export { guardName, nameOf, stateNodes, transitions } from './definition.js';
export type { ChildEnd, Driver, Invariant, View } from './driver.js';
export type { ChildEnds, Exploration, Offer, Origin } from './exploration.js';
export { explore } from './explore.js';
export type { Edge, EdgeTest, Graph } from './graph.js';
export { edgeText, eventName, eventText, stateName } from './names.js';
export type { Path } from './path.js';
export { run } from './run.js';
export {
  type FaultClass,
  type SimulateOptions,
  type SimulationResult,
  simulate,
} from './simulation.js';
export { type Suite, suite } from './suite.js';
export {
  type Destination,
  type RandomWalksOptions,
  randomWalks,
  type SimplePathsOptions,
  shortestPaths,
  simplePaths,
} from './walks.js';
