import { chart, scale, sides, svg } from "./draw.mjs";

/** Lines {values, kind} over the steps; the chosen one is marked. */
export function line({ title, lines, labels, step, unit }) {
	const x = scale([0, labels.length - 1], 60, 610), y = scale(lines.flatMap((one) => one.values), 150, 16);
	const marks = lines.map(({ kind, values }) => svg("polyline", { class: kind, points: values.map((one, t) => `${x(t)},${y(one)}`).join(" ") }));
	const now = svg("line", { class: "now", x1: x(step), x2: x(step), y1: 16, y2: 150 });
	return chart(title, 630, 180, [now, ...marks], sides(y, labels, unit));
}
