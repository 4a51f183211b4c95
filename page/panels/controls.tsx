import { useState } from 'preact/hooks';
import { command } from '../connection.js';

/** Buttons that act on the store. */
export function Controls() {
  const [problem, setProblem] = useState<string>();
  const button = (word: string, title: string) => (
    <button type="button" onClick={() => void command([word]).then(setProblem)}>
      {title}
    </button>
  );
  return (
    <div class="controls">
      {button('trigger', 'Trigger optimizers')}
      {button('flush', 'Flush')}
      {problem !== undefined && <p role="alert">{problem}</p>}
    </div>
  );
}
