import { chart, figure, svg } from "./draw.mjs";

/** Cells by row and step, the chosen step framed, above them what colours mean. */
export function heat({ title, values, rows, steps, step, labels, names, choose }) {
	const most = Math.max(1e-12, ...values.map(Math.abs)), wide = 540 / steps, high = Math.max(5, Math.min(16, 260 / rows)), marks = [];
	const cell = (one, x, y, width, height, click) => marks.push(svg("rect", {
		class: one < 0 ? "lower" : "raise", "fill-opacity": (Math.abs(one) / most).toFixed(3), x: x.toFixed(2), y, width: width.toFixed(2), height, click,
	}));
	for (let r = 0; r < rows; r++) for (let t = 0; t < steps; t++) cell(values[r * steps + t], 70 + t * wide, 16 + r * high, wide, high, () => choose(t));
	const least = Math.min(...values) < 0 ? -most : 0, end = 16 + rows * high;
	for (let k = 0; k < 9; k++) cell(least + (k / 8) * (most - least), 470 + 10 * k, 2, 10, 9);
	marks.push(svg("rect", { class: "frame", x: 70 + step * wide, y: 16, width: wide, height: end - 16 }));
	return chart(title, 630, end + 18, marks, [
		[464, 11, figure(least), "end"], [565, 11, figure(most)], [64, 26, names[0], "end"], [64, end, names[rows - 1], "end"], [70, end + 14, labels[0]],
		[610, end + 14, labels.at(-1), "end"],
	]);
}
