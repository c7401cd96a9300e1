// By how much something moved; the kernel's half is moved.py.

function largest(values) {
  return values.reduce(function (most, value) {
    return Math.max(most, Math.abs(value));
  }, 0);
}

// By how much the largest change is.
function moved(before, after) {
  var most = largest(after.map(function (value, k) {
    return value - before[k];
  }));
  return most < 1e-9 ? ["still", {}] : ["moved", { most: most }];
}
