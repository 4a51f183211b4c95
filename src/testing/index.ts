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
export { type Suite, suite } from './suite.js';
export { Facts } from './system/facts.js';
export {
  type Answered,
  type Asked,
  type Begun,
  type CallEvent,
  type Calls,
  type Ended,
  eventLine,
  type Failed,
  Journal,
  type JournalEvent,
  type Noted,
  type Refused,
  type RequestKind,
  type Site,
} from './system/journal.js';
export {
  type GatedCall,
  type HeldCall,
  type Holding,
  type Opening,
  PortGates,
} from './system/port-gates.js';
export { type Ports, type RecordedPorts, recordPorts } from './system/recorded-ports.js';
export { Rules } from './system/rules/all.js';
export { Rule, type Violation, type Watched } from './system/rules/rule.js';
export { StepClock } from './system/step-clock.js';
export type { HowOpened, Step } from './system/steps.js';
export type { Content, OpenedStore, StoreOptions, SystemStore } from './system/system-store.js';
export { chartTransitions } from './system/transitions-taken.js';
export { assertGood, type WalkOptions, type WalkReport, walk } from './system/walk.js';
export {
  type Destination,
  type RandomWalksOptions,
  randomWalks,
  type SimplePathsOptions,
  shortestPaths,
  simplePaths,
} from './walks.js';
