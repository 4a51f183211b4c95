import type { StoreMessage } from '../../src/inspect/messages.js';
import { failureText, reasonText } from '../../src/services/status-text.js';

/** The color of the store, why, and what has failed. */
export function Status({ store }: { store: StoreMessage }) {
  const { color, reasons, errors } = store.status;
  const why = [...reasons.map(reasonText), ...errors.map(failureText)];
  return (
    <div class="status">
      <p class={`color ${color}`}>{color}</p>
      {why.length > 0 && (
        <ul aria-label="Why">
          {why.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
