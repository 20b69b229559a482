import { chart, svg } from "./draw.mjs";

/** Cells by row and step, the chosen step framed. */
export function heat({ title, values, rows, steps, step, labels, names, choose }) {
	const most = Math.max(1e-12, ...values.map(Math.abs)), wide = 540 / steps, high = Math.max(5, Math.min(16, 260 / rows)), marks = [];
	for (let r = 0; r < rows; r++) for (let t = 0; t < steps; t++) {
		const one = values[r * steps + t], part = Math.abs(one) / most;
		marks.push(svg("rect", {
			class: one < 0 ? "lower" : "raise", "fill-opacity": part.toFixed(3), x: (70 + t * wide).toFixed(2),
			y: 16 + r * high, width: wide.toFixed(2), height: high, click: () => choose(t),
		}));
	}
	const end = 16 + rows * high;
	marks.push(svg("rect", { class: "frame", x: 70 + step * wide, y: 16, width: wide, height: end - 16 }));
	return chart(title, 630, end + 18, marks, [
		[64, 26, names[0], "end"], [64, end, names[rows - 1], "end"], [70, end + 14, labels[0]],
		[610, end + 14, labels.at(-1), "end"],
	]);
}
