// Numbers out of text, the two products that a network is made of, and functions of one number.

export const { abs, exp, floor, max, min, tanh } = Math;

/** Decode base64 of little-endian single precision. */
export const decode = (text) => new Float32Array(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);

export const zeros = (length) => new Float64Array(length);

/** Add x W to out: n numbers of x, W (n, m), its columns from..to. */
export function addProduct(out, outAt, x, xAt, n, W, m, from = 0, to = m) {
	for (let j = 0; j < n; j++) {
		const one = x[xAt + j];
		for (let k = from; one !== 0 && k < to; k++) out[outAt + k] += one * W[j * m + k];
	}
}

/** Add y W^T to out, likewise. */
export function addTransposed(out, outAt, y, yAt, n, W, m, from = 0, to = m) {
	for (let j = 0; j < n; j++) {
		let sum = 0;
		for (let k = from; k < to; k++) sum += y[yAt + k] * W[j * m + k];
		out[outAt + j] += sum;
	}
}

const sigmoid = (a) => 1 / (1 + exp(-a));

/** Value, derivative, and whether the function is smooth, by its name. */
const FUNCTIONS = {
	linear: [(a) => a, () => 1, true],
	tanh: [tanh, (a) => 1 - tanh(a) ** 2, true],
	sigmoid: [sigmoid, (a) => sigmoid(a) * (1 - sigmoid(a)), true],
	exponential: [exp, exp, true],
	softplus: [(a) => max(a, 0) + Math.log1p(exp(-abs(a))), sigmoid, true],
	softsign: [(a) => a / (1 + abs(a)), (a) => (1 + abs(a)) ** -2, true],
	elu: [(a, p) => p.scale * (a > 0 ? a : p.alpha * Math.expm1(a)), (a, p) => p.scale * (a > 0 ? 1 : p.alpha * exp(a))],
	clip: [(a, p) => min(max(p.slope * a + p.offset, p.low), 1), (a, p) => (abs(a) < p.width ? p.slope : 0)],
	relu: [
		(a, p) => (a >= p.threshold ? min(a, p.max_value) : p.negative_slope * (a - p.threshold)),
		(a, p) => (a > p.threshold && a < p.max_value ? 1 : a <= p.threshold ? p.negative_slope : 0),
	],
};

/** Value of a function {name, ...parameters}. */
export const value = (phi, a) => FUNCTIONS[phi.name][0](a, phi);

/** Slope of the secant; the derivative where a and a0 meet. */
export function slope(phi, a, a0) {
	const [of, derivative, smooth] = FUNCTIONS[phi.name];
	const d = a - a0;
	if (smooth && abs(d) < 1e-6) return derivative((a + a0) / 2, phi);
	return d === 0 ? derivative(a, phi) : (of(a, phi) - of(a0, phi)) / d;
}
