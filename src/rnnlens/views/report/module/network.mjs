import { html } from "./draw.mjs";

/** The layers; those that have gates can be chosen. */
export function network({ layers, chosen, choose }) {
	return html("ol", { class: "layers" }, ...layers.flatMap(({ name, as, parts }) => (parts.length ? parts : [name]).map((part) => html("li", {},
		html("button", { type: "button", disabled: !parts.length, "aria-pressed": String(part === chosen), click: () => choose(part) }, `${part} (${as})`)))));
}
