// The kernels of the fast network (lib/network.ts), compiled to kernels.wasm.

export * from "./vector";
