export { eventName, guardName, nameOf, stateNodes, transitions } from '../charts/definition.js';
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
export type { ChildEnd, Driver, Invariant, View } from './driver.js';
export type { ExecutedAction } from './executed.js';
export type { ChildEnds, Exploration, Offer, Origin } from './exploration.js';
export { explore } from './explore.js';
export type { Edge, EdgeTest, Graph } from './graph.js';
export type { SuiteOptions } from './kit/options.js';
export type {
  Capability,
  Crash,
  KeyValues,
  LogAdapters,
  Operations,
  Place,
  Runner,
  SegmentsAdapters,
  StoreAdapters,
  Supports,
  TestFunction,
} from './kit/place.js';
export type { Effort } from './kit/protocol.js';
export { type SegmentsSuite, segmentsSuite } from './kit/segments-suite.js';
export { type UpdateHandlerSuite, updateHandlerSuite } from './kit/update-handler-suite.js';
export { type WalSuite, walSuite } from './kit/wal-suite.js';
export type { Timer } from './model.js';
export { edgeText, eventText, stateName } from './names.js';
export { type Parts, partsOf, plainExploration } from './parts.js';
export type { Path } from './path.js';
export type { Reference } from './program.js';
export { run } from './run.js';
export {
  type FaultClass,
  type SimulateOptions,
  type SimulationResult,
  simulate,
} from './simulation.js';
export { type MachineCase, type MachineId, sluiceMachines } from './sluice-machines.js';
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
export { type DriverSource, writeDriver } from './write-driver.js';
export { type TestsSource, writeTests } from './write-tests.js';
export {
  pathOf,
  startOf,
  stepsOf,
  type WrittenCause,
  type WrittenEvent,
  type WrittenState,
  type WrittenStep,
} from './written-steps.js';
