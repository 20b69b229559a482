// What renderers share; text is set as text, never as markup.

// no address stands in the page
const SVG = ["http", "//www.w3.org/2000/svg"].join(":");

/** Fill an element; attributes that are functions are listeners. */
const filled = (node, attributes, children) => {
	for (const [key, one] of Object.entries(attributes))
		if (typeof one === "function") node.addEventListener(key, one);
		else if (one || one === "") node.setAttribute(key, one);
	node.append(...children);
	return node;
};
export const html = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);
export const svg = (name, attributes = {}, ...children) => filled(document.createElementNS(SVG, name), attributes, children);

/** A number as people read it. */
export function figure(number) {
	const size = Math.abs(number), places = Math.max(0, 2 - Math.floor(Math.log10(size || 1)));
	const text = places > 6 || size > 1e7 ? number.toExponential(2) : number.toFixed(places);
	return text.replace(/(?<!\.\d*)\B(?=(\d{3})+$)/g, ",").replaceAll("-", "\u2212");
}
export const signed = (number) => (number < 0 ? "" : "+") + figure(number);

export function scale(numbers, from, to) {
	let low = Math.min(...numbers), high = Math.max(...numbers);
	if (low === high) [low, high] = [low - 1, high + 1];
	[low, high] = [low, high].map((one) => (Math.abs(one) < 1e-6 * (high - low) ? 0 : one));
	return Object.assign((one) => from + ((one - low) / (high - low)) * (to - from), { low, high });
}

/** Notes at the sides of a chart over the steps. */
export const sides = (y, labels, unit) => [[54, 22, figure(y.high), "end"], [54, 150, figure(y.low), "end"], [60, 12, unit],
	[60, 170, labels[0]], [610, 170, labels.at(-1), "end"]];

/** A chart of marks and notes. */
export function chart(title, width, height, marks, notes) {
	const said = notes.map(([x, y, text, anchor]) => svg("text", { x, y, "text-anchor": anchor }, text));
	return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title }, ...marks, ...said);
}
