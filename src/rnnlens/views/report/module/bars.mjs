import { chart, scale, sides, signed, svg } from "./draw.mjs";

/** Signed bars over the steps, oldest first. */
export function bars({ title, values, labels, step, unit, choose }) {
	const x = scale([0, values.length], 60, 610), y = scale([0, ...values], 150, 16), wide = x(1) - x(0);
	const marks = values.map((one, i) => svg("rect", {
		class: `${one < 0 ? "lower" : "raise"}${i === step ? " chosen" : ""}`, x: x(i) + wide * 0.1, width: wide * 0.8,
		y: Math.min(y(one), y(0)), height: Math.max(0.5, Math.abs(y(one) - y(0))), click: () => choose(i),
	}, svg("title", {}, `${labels[i]}: ${signed(one)} ${unit}`)));
	marks.push(svg("line", { class: "axis", x1: 60, x2: 610, y1: y(0), y2: y(0) }));
	return chart(title, 630, 180, marks, sides(y, labels, unit));
}
