import { chart, figure, svg } from "./draw.mjs";

/** Cells by row and step, a dash in those below zero, the chosen step framed; above them the key. */
export function heat({ title, values, rows, steps, step, labels, names, choose }) {
	const most = Math.max(1e-12, ...values.map(Math.abs)), wide = 540 / steps, high = Math.max(5, Math.min(16, 260 / rows)), marks = [];
	const rect = (x, y, width, height, more) => marks.push(svg("rect", { x, y, width, height, ...more }));
	const cell = (one, x, y, width, height, click) => {
		const size = Math.abs(one) / most;
		rect(x, y, width, height, { class: one < 0 ? "lower" : "raise", "fill-opacity": size.toFixed(3), click });
		if (one < -most / 100) rect(x + width / 4, y + height / 2 - 0.5, width / 2, 1, { class: size > 0.7 ? "bare" : "point", click });
	};
	for (let r = 0; r < rows; r++) for (let t = 0; t < steps; t++) cell(values[r * steps + t], 70 + t * wide, 16 + r * high, wide, high, () => choose(t));
	const least = Math.min(...values) < 0 ? -most : 0, end = 16 + rows * high;
	for (let k = 0; k < 9; k++) cell(least + (k / 8) * (most - least), 470 + 10 * k, 2, 10, 9);
	rect(70 + step * wide, 16, wide, end - 16, { class: "frame" });
	return chart(title, 630, end + 18, marks, [
		[464, 11, figure(least), "end"], [565, 11, figure(most)], [64, 26, names[0], "end"], [64, end, names.at(-1), "end"], [70, end + 14, labels[0]],
		[610, end + 14, labels.at(-1), "end"],
	]);
}
