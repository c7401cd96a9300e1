// The last script of every figure, in one function with the others; its argument is the figure's id.

bringAllToLife(name, bringToLife);
