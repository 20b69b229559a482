// A network on a window, and contributions against baselines.

import { GATES, pullCell, runCell, stepRead } from "./cells.mjs";
import { addProduct, addTransposed, decode, floor, slope, value, zeros } from "./numbers.mjs";

/** Put a network's arrays, {at: [offset, length]} in its weights, in place. */
export function load(spec) {
	const weights = decode(spec.weights);
	const placed = (_, part) => (Array.isArray(part?.at) ? weights.subarray(part.at[0], part.at[0] + part.at[1]) : part);
	return { ...spec, layers: JSON.parse(JSON.stringify(spec.layers), placed) };
}

const floats = (length, of) => Float64Array.from({ length }, (_, i) => of(i));
/** Whether the step read k-th hands on zero. */
const silent = (layer, cell, { mask, T }, k) => layer.zero_masked && mask && !mask[stepRead(cell, T, k)];

/** What a cell hands on: every step as read, or the last. */
function handed(layer, cell, tape) {
	const { T, h } = tape, O = cell.outputs, first = layer.sequences ? 0 : T - 1, data = h.slice((first + 1) * O);
	for (let k = first; k < T; k++) if (silent(layer, cell, tape, k)) data.fill(0, (k - first) * O, (k - first + 1) * O);
	return { data, steps: layer.sequences ? T : 0, size: O };
}

/** What of m arrives at the output of the step read k-th. */
function arriving(layer, cell, tape, m) {
	const O = cell.outputs, first = layer.sequences ? 0 : tape.T - 1;
	return (k) => (k < first || silent(layer, cell, tape, k) ? null : m.subarray((k - first) * O, (k - first + 1) * O));
}

const turned = ({ data, steps, size }) => ({
	data: steps ? floats(data.length, (i) => data[(steps - 1 - floor(i / size)) * size + (i % size)]) : data, steps, size,
});

/** By kind: forward gives {out, mask, ...}, pull the multipliers of what it took. */
const KINDS = {
	masking: {
		forward(layer, x, known) {
			const mask = known || Array.from({ length: x.steps }, (_, t) => x.data.subarray(t * x.size, (t + 1) * x.size).some((v) => v !== layer.value));
			return { out: { ...x, data: x.data.map((one, i) => (mask[floor(i / x.size)] ? one : 0)) }, mask };
		},
		pull: (_l, s, _0, m) => m.map((one, i) => (s.mask[floor(i / s.out.size)] ? one : 0)),
	},
	recurrent: {
		forward({ cells, names, merge, ...layer }, x, mask, holds) {
			const tapes = cells.map((cell, n) => runCell(cell, x, mask, holds?.[names[n]]));
			const ways = cells.map((cell, n) => (merge && cell.backwards ? turned : (one) => one)(handed(layer, cell, tapes[n])));
			const [{ data, steps, size }, other] = ways, join = { sum: (a, b) => a + b, ave: (a, b) => (a + b) / 2, mul: (a, b) => a * b }[merge];
			let [out] = ways;
			if (join) out = { data: data.map((a, i) => join(a, other.data[i])), steps, size };
			else if (other) out = { data: floats(2 * data.length, (i) => ways[floor(i / size) % 2].data[floor(i / (2 * size)) * size + (i % size)]), steps, size: 2 * size };
			return { out, mask: layer.sequences ? mask : null, tapes, ways };
		},
		pull(layer, s, s0, m) {
			const { cells, merge } = layer, [one, other] = cells.map((cell, n) => {
				const { steps, size, data } = s.ways[n], share = { sum: () => 1, ave: () => 0.5, mul: (i) => (s.ways[1 - n].data[i] + s0.ways[1 - n].data[i]) / 2 }[merge];
				let mine = m;
				if (share) mine = m.map((part, i) => part * share(i));
				else if (merge) mine = floats(data.length, (i) => m[(2 * floor(i / size) + n) * size + (i % size)]);
				if (merge && cell.backwards) mine = turned({ data: mine, steps, size }).data;
				return pullCell(cell, s.tapes[n], s0.tapes[n], arriving(layer, cell, s.tapes[n], mine));
			});
			return other ? one.map((part, i) => part + other[i]) : one;
		},
	},
	dense: {
		forward(layer, x, mask) {
			if (!layer.W) return { out: { ...x, data: x.data.map((one) => value(layer.phi, one)) }, mask, a: x.data };
			const m = layer.b.length, a = floats((x.steps || 1) * m, (i) => layer.b[i % m]);
			for (let at = 0, from = 0; at < a.length; at += m, from += x.size) addProduct(a, at, x.data, from, x.size, layer.W, m);
			return { out: { data: a.map((one) => value(layer.phi, one)), steps: x.steps, size: m }, mask, a, x };
		},
		pull(layer, s, s0, m) {
			const mA = m.map((one, i) => one * slope(layer.phi, s.a[i], s0.a[i]));
			if (!layer.W) return mA;
			const { size, data } = s.x, wide = s.out.size, out = zeros(data.length);
			for (let at = 0, from = 0; from < mA.length; at += size, from += wide) addTransposed(out, at, mA, from, size, layer.W, wide);
			return out;
		},
	},
	affine: {
		forward: ({ scale, offset }, x, mask) => ({ out: { ...x, data: x.data.map((one, i) => one * scale[i % scale.length] + offset[i % offset.length]) }, mask }),
		pull: ({ scale }, _s, _s0, m) => m.map((one, i) => one * scale[i % scale.length]),
	},
	reshape: {
		forward({ shape }, { data }) {
			const known = shape.reduce((all, one) => all * Math.abs(one), 1), sizes = shape.map((one) => (one < 0 ? data.length / known : one));
			return { out: { data, steps: sizes.length > 1 ? sizes[0] : 0, size: sizes.at(-1) }, mask: null };
		},
		pull: (_l, _s, _0, m) => m,
	},
};

/** Run a loaded network on a window (step * feature); holds by name of a layer. */
export function run(net, window, holds, mask) {
	let x = { data: Float64Array.from(window), steps: net.steps, size: net.features };
	const tapes = net.layers.map((layer) => {
		const tape = KINDS[layer.kind].forward(layer, x, mask, holds);
		({ out: x, mask } = tape);
		return tape;
	});
	return { output: x.data, forecast: x.data[net.place] * net.scale + net.offset, tapes };
}

/** Gates and states (step * unit) of every recurrent layer, oldest step first. */
export function trace(net, ran) {
	const all = {};
	net.layers.forEach((layer, n) => (ran.tapes[n].tapes || []).forEach((tape, way) => {
		const cell = layer.cells[way], { units: H, outputs: O, kind } = cell, { T } = tape, G = GATES[kind].length;
		const rows = (data, width, from, size) => floats(T * size, (i) => data[stepRead(cell, T, floor(i / size)) * width + from + (i % size)]);
		const one = { units: H, kind };
		if (kind !== "SimpleRNN") GATES[kind].forEach((gate, g) => { one[gate] = rows(tape.y, G * H, g * H, H); });
		if (kind === "LSTM") one.c = rows(tape.c, H, H, H);
		all[layer.names[way]] = Object.assign(one, { h: rows(tape.h, O, O, O) });
	}));
	return all;
}

/** Contributions (step * feature) against baselines, which sum to the change. */
export function secant(net, window, baselines, holds) {
	const ran = run(net, window, holds), total = zeros(window.length), count = baselines.length;
	const mask = ran.tapes.find((_, n) => net.layers[n].kind === "masking")?.mask;
	let baseline = 0;
	for (const given of baselines) {
		const kept = (i) => net.held.includes(i % net.features) || (mask && !mask[floor(i / net.features)]);
		const hidden = floats(window.length, (i) => (kept(i) ? window[i] : given[i])), ran0 = run(net, hidden, holds, mask);
		const picked = floats(ran.output.length, (i) => (i === net.place ? net.scale : 0));
		const m = net.layers.reduceRight((outer, layer, n) => KINDS[layer.kind].pull(layer, ran.tapes[n], ran0.tapes[n], outer), picked);
		m.forEach((one, i) => { total[i] += (one * (window[i] - hidden[i])) / count; });
		baseline += ran0.forecast / count;
	}
	return { contributions: total, forecast: ran.forecast, baseline, ran };
}
