import { useEffect, useState } from 'preact/hooks';
import type { Source } from '../connection.js';
import { timeText } from '../text.js';

/** Milliseconds between two pictures while it plays. */
const FRAME_MS = 50;
const SPEEDS = [0.1, 1, 10, 100];

/** A slider rounds its value: what lies less than so much of the recording before its end is its end. */
const END_SHARE = 1 / 200;

function momentOf(value: number, startsAt: number, endsAt: number): number {
  return endsAt - value < Math.min(1, (endsAt - startsAt) * END_SHARE) ? endsAt : value;
}

/** Where in a recording we are, to be moved by hand or to run by itself. */
export function Timeline({ source, redraw }: { source: Source; redraw: () => void }) {
  const { recording } = source;
  const [at, setAt] = useState<number>();
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const startsAt = recording?.startsAt ?? 0;
  const endsAt = recording?.endsAt ?? 0;
  const now = Math.min(Math.max(at ?? startsAt, startsAt), endsAt);
  const go = (moment: number) => {
    if (recording === undefined) return;
    source.model = recording.moment(moment);
    setAt(moment);
    redraw();
  };
  useEffect(() => {
    if (!isPlaying) return;
    if (now >= endsAt) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => go(Math.min(now + FRAME_MS * speed, endsAt)), FRAME_MS);
    return () => clearTimeout(timer);
  });
  return (
    <section class="timeline" aria-label="Recording">
      <button
        type="button"
        aria-pressed={isPlaying}
        onClick={() => {
          if (now >= endsAt) go(startsAt);
          setPlaying(!isPlaying);
        }}
      >
        Play
      </button>
      <input
        type="range"
        aria-label="Time"
        min={startsAt}
        max={endsAt}
        step="any"
        value={now}
        aria-valuetext={timeText(now)}
        onInput={({ currentTarget }) => go(momentOf(currentTarget.valueAsNumber, startsAt, endsAt))}
      />
      <output>{timeText(now)}</output>
      <label>
        speed{' '}
        <select
          value={speed}
          onInput={({ currentTarget }) => setSpeed(Number(currentTarget.value))}
        >
          {SPEEDS.map((one) => (
            <option key={one} value={one}>
              × {one}
            </option>
          ))}
        </select>
      </label>
    </section>
  );
}
