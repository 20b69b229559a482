import { chart, figure, scale, signed, svg } from "./draw.mjs";

/** From baseline to forecast: parts of [name, size]. */
export function waterfall({ title, start, parts, unit, words }) {
	const at = [start];
	for (const [, size] of parts) at.push(at.at(-1) + size);
	const x = scale(at, 250, 560), row = 20, marks = [], notes = [];
	parts.forEach(([name, size], i) => {
		const y = 8 + row * (i + 1), [low, high] = [at[i], at[i + 1]].sort((a, b) => a - b);
		marks.push(svg("rect", { class: size < 0 ? "lower" : "raise", x: x(low), y, width: Math.max(1, x(high) - x(low)), height: 14 }));
		notes.push([240, y + 11, name, "end"], [x(high) + 5, y + 11, signed(size)]);
	});
	const last = 8 + row * (parts.length + 1);
	for (const [name, y, one] of [[words.from, 8, start], [words.to, last, at.at(-1)]]) {
		marks.push(svg("circle", { class: "point", cx: x(one), cy: y + 7, r: 4 }));
		notes.push([240, y + 11, name, "end"], [x(one) + 8, y + 11, `${figure(one)} ${unit}`]);
	}
	return chart(title, 630, last + 24, marks, notes);
}
