import type { Hello, InspectMessage } from '../src/inspect/messages.js';
import { apply, emptyModel, type Model } from './model.js';
import { Recording } from './recording.js';

/** What the page knows, however it came to know it. */
export interface Source {
  hello: Hello | undefined;
  isConnected: boolean;
  /** How things stand; of a recording, as far as it has been played. */
  model: Model;
  recording: Recording | undefined;
}

/** Listens to the server and tells when there is something new to draw, once a frame at most. */
export function connect(onChange: () => void): Source {
  const source: Source = {
    ...{ hello: undefined, isConnected: false, model: emptyModel(), recording: undefined },
  };
  let isAsked = false;
  const changed = () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      onChange();
    });
  };
  const feed = new EventSource('feed');
  feed.addEventListener('hello', ({ data }) => {
    // Also after a break: the server begins with how things stand.
    const hello: Hello = JSON.parse(data);
    source.hello = hello;
    source.isConnected = true;
    source.model = emptyModel();
    source.recording = hello.recorded ? new Recording() : undefined;
    changed();
  });
  feed.addEventListener('message', ({ data }) => {
    const batch: InspectMessage[] = JSON.parse(data);
    if (source.recording === undefined) for (const message of batch) apply(source.model, message);
    else {
      source.recording.add(batch);
      source.model = source.recording.moment(source.recording.startsAt);
    }
    changed();
  });
  feed.addEventListener('error', () => {
    source.isConnected = false;
    changed();
  });
  return source;
}

/** Asks the server to act on the store; resolves to what went wrong, or nothing. */
export async function command(words: readonly string[]): Promise<string | undefined> {
  try {
    const response = await fetch(`control/${words.join('/')}`, { method: 'POST' });
    return response.ok ? undefined : await response.text();
  } catch (error) {
    return String(error);
  }
}
