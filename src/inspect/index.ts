// The entry `sluice/inspect`: seeing a system while it works.
export type {
  ActorMessage,
  ChartMessage,
  DroppedMessage,
  EventMessage,
  InspectMessage,
  SegmentFacts,
  StartMessage,
  StateMessage,
  StoreMessage,
} from './messages.js';
export type { PageServer } from './page-server.js';
export { type ServeInspectorOptions, serveInspector } from './serve.js';
export { connectStately, STATELY_URL, type StatelyConnection } from './stately.js';
export type { InspectedStore, InspectTarget } from './target.js';
