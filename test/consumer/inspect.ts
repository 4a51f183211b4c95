// What somebody writes who wants to see a system work.
import type { StatelyInspector } from 'sluice';
import {
  connectStately,
  type InspectMessage,
  type InspectTarget,
  type PageServer,
  type SegmentFacts,
  type ServeInspectorOptions,
  STATELY_URL,
  type StatelyConnection,
  type StoreMessage,
  serveInspector,
} from 'sluice/inspect';

/** Serves a page for a moment; the types of what it would show, and where. */
export async function showBriefly(target: InspectTarget): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const onMessage = (message: InspectMessage) => void seen.push(message.type);
  const options: ServeInspectorOptions = { title: 'mine', allowControl: false, onMessage };
  const server: PageServer = await serveInspector(target, options);
  const { url } = server;
  await server.close();
  return { url, seen };
}

/** The segments that a store's message lists. */
export function segmentsOf({ segments }: StoreMessage): readonly SegmentFacts[] {
  return segments;
}

/** An inspector of Stately's package, by what Sluice needs of it. */
export async function connect(url = STATELY_URL): Promise<StatelyInspector> {
  const connection: StatelyConnection = await connectStately(url);
  return { inspect: { next: connection.inspect } };
}
