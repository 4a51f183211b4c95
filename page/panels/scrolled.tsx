import type { ComponentChildren } from 'preact';

/** By keyboard, too, one must get to what is scrolled. */
const REACHABLE = { tabIndex: 0 };

/** A part of the page that scrolls by itself. */
export function Scrolled(props: { class: string; label: string; children: ComponentChildren }) {
  return (
    <section class={props.class} aria-label={props.label} {...REACHABLE}>
      {props.children}
    </section>
  );
}
