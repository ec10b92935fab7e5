// Numbers in words. The same rules as deep_predictor/web/page_words.py, which writes them where there is no script.

export function percent(share) {
  const value = share * 100;
  if (value > 0 && value < 0.05) return "< 0.1%";
  if (value >= 99.95 && value < 100) return "> 99.9%";
  return `${value.toFixed(1)}%`;
}

export function seconds(value) {
  if (value < 0.0095) return "less than 0.01 s";
  if (value < 10) return `${value.toFixed(2)} s`;
  if (value < 120) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function bytes(count) {
  if (count < 1024) return `${count} bytes`;
  if (count < 1024 * 1024) return `${Math.round(count / 1024)} KB`;
  return `${(count / (1024 * 1024)).toFixed(1)} MB`;
}
