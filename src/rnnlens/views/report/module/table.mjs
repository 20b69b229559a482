import { html } from "./draw.mjs";

/** A table behind a summary. */
export function table(summary, headings, rows) {
	const row = (cells, head) => html("tr", {}, ...cells.map((one, i) => html(one !== "" && (head || !i) ? "th" : "td", { class: i && "n", scope: head ? "col" : !i && "row" }, one)));
	return html("details", {}, html("summary", {}, summary), html("div", { class: "scroll tall", tabindex: "0" },
		html("table", {}, html("thead", {}, row(headings, true)), html("tbody", {}, ...rows.map((one) => row(one))))));
}
