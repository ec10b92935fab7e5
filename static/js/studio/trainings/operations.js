// The operations of augmentation that the form offers: a sentence on each, and its fields with where they begin.

const range = (key, title, low, high, limits = {}) => ({ kind: "range", key, title, value: [low, high], ...limits });
const number = (key, title, value, limits = {}) => ({ kind: "number", key, title, value, ...limits });
const dataset = (key, title) => ({ kind: "dataset", key, title, value: "" });
const FACTOR = { least: 0, most: 10 };

/** Name in the settings -> title, words, probability, fields, and `tasks` where not all have it. Those that an operation may say besides are its own. */
export const OPERATIONS = {
  flip_horizontal: { title: "Flip sideways", words: "Left becomes right. Not for letters and digits.", probability: 0.5, fields: [] },
  flip_vertical: { title: "Flip upside down", words: "Top becomes bottom.", probability: 0.5, fields: [] },
  rotations: { title: "Turn", words: "Turns the picture about its middle.", probability: 0.5, fields: [range("angle_range", "Degrees", -15, 15, { least: -360, most: 360 })] },
  scales: { title: "Zoom", words: "Over 1 shows the middle larger, under 1 the whole smaller.", probability: 0.7, fields: [range("scale_range", "Times", 0.8, 1.25, { least: 0.05, most: 20 })] },
  brightness: { title: "Brightness", words: "Darker or lighter.", probability: 0.5, fields: [range("factor_range", "Times", 0.7, 1.3, FACTOR)] },
  contrast: { title: "Contrast", words: "Flatter or harder.", probability: 0.5, fields: [range("factor_range", "Times", 0.7, 1.3, FACTOR)] },
  color: { title: "Colourfulness", words: "Greyer or more colourful.", probability: 0.5, fields: [range("factor_range", "Times", 0.5, 1.5, FACTOR)] },
  gamma: { title: "Gamma", words: "Darkens or lightens the middle tones; over 1 is darker.", probability: 0.5, fields: [range("gamma_range", "Gamma", 0.7, 1.5, FACTOR)] },
  gaussian_blur: { title: "Blur", words: "As out of focus.", probability: 0.3, fields: [range("sigma_range", "Pixels", 0, 1.5, { least: 0, most: 100 })] },
  center_crop: { title: "Cut to the middle", words: "Keeps that share of each side.", probability: 0.5, fields: [range("share_range", "Share", 0.7, 1, { least: 0.01, most: 1 })] },
  random_erase: { title: "Erase a rectangle", words: "Covers some of it with noise.", probability: 0.3, fields: [range("area_range", "Share of the area", 0.02, 0.3, { least: 0, most: 1 })] },
  occlusion: { title: "Cover a window", words: "Covers one window with black; a number with a point is a share of the side.", probability: 0.3, fields: [number("window", "Window", 0.3, { least: 0 })] },
  synthetic_background: {
    title: "Paste on backgrounds", tasks: ["classification"], words: "Cut-outs of the class on pictures of another data set.", probability: 0.5,
    fields: [dataset("cutouts_dataset_id", "Cut-outs"), dataset("backgrounds_dataset_id", "Backgrounds"), range("scale_range", "Size", 0.3, 0.9, { least: 0.01, most: 1 })],
  },
  mixup: { title: "Mix two pictures", tasks: ["classification"], words: "One shines through the other, and counts for both classes.", probability: 0.3, fields: [number("alpha", "Alpha", 0.2, { least: 0, most: 100 })] },
  cutmix: { title: "Mix by rectangles", tasks: ["classification"], words: "A rectangle of another picture, which counts by its area.", probability: 0.3, fields: [number("alpha", "Alpha", 1, { least: 0, most: 100 })] },
};

/** Names of those that a task has. */
export function operationsFor(task) {
  return Object.keys(OPERATIONS).filter((name) => OPERATIONS[name].tasks?.includes(task) ?? true);
}

const PHOTOS = [
  { name: "flip_horizontal", probability: 0.5 },
  { name: "scales", scale_range: [0.8, 1.25], probability: 0.7 },
  { name: "brightness", factor_range: [0.7, 1.3], probability: 0.5 },
];
/** Also for what has a right and a left, such as digits. */
const SCALES = PHOTOS.slice(1);

const LEARNS_BOXES = {
  "fit_options.epochs": 80, "fit_options.batch_size": 8, "fit_options.optimizer": "adamw", "fit_options.learning_rate": 0.002, "fit_options.warm_up_epochs": 1,
  "fit_options.clip_norm": 10, "dataset_options.val_share": 0.15,
};

/** Task -> settings to begin with; the same as cfg/training/ has for these cases. Keys are those of the form's fields. */
export const PRESETS = { classification: {
  small: {
    title: "Digits, signs, drawings", words: "Small pictures of one thing that fills them.", architecture: "convnet_small",
    fields: { "fit_options.epochs": 15, "fit_options.batch_size": 32, "fit_options.learning_rate": 0.002, "input_options.image_size": "" },
    augmentation: [], phases: false,
  },
  photos: {
    title: "Photos, from nothing", words: "Learns from these photos alone.", architecture: "convnet_small",
    fields: {
      "fit_options.epochs": 60, "fit_options.batch_size": 16, "fit_options.learning_rate": 0.002, "input_options.image_size": 64,
      "fit_options.warm_up_epochs": 2, "fit_options.label_smoothing": 0.1, "dataset_options.val_share": 0.15,
    },
    augmentation: PHOTOS, phases: false,
  },
  fine: {
    title: "Photos, from weights", words: "Goes on from weights that saw many photos; the best choice where there are such.", architecture: "pretrained",
    fields: {
      "fit_options.epochs": 30, "fit_options.batch_size": 16, "fit_options.learning_rate": 0.003, "input_options.image_size": 224, "fit_options.label_smoothing": 0.1,
      "fit_options.fine_tuning.head_epochs": 10, "fit_options.fine_tuning.top_share": 1, "fit_options.fine_tuning.top_learning_rate_factor": 0.05,
    },
    augmentation: PHOTOS, phases: true,
  },
}, detection: {
  things: {
    title: "Things in photos", words: "Things of a twentieth of the picture's side and more.", architecture: "yolo_small",
    fields: { ...LEARNS_BOXES, "input_options.image_size": 320 },
    augmentation: PHOTOS, phases: false,
  },
  small_things: {
    title: "Small things", words: "Things of under 20 pixels, in pictures that are not shrunk much.", architecture: "yolo_small_fine",
    fields: { ...LEARNS_BOXES, "input_options.image_size": 320 },
    augmentation: SCALES, phases: false,
  },
}, segmentation: {
  pixels: {
    title: "Each pixel of photos", words: "A class for each pixel.", architecture: "unet",
    fields: { "fit_options.epochs": 60, "fit_options.batch_size": 8, "fit_options.learning_rate": 0.001, "input_options.image_size": 256, "fit_options.warm_up_epochs": 1, "dataset_options.val_share": 0.15 },
    augmentation: PHOTOS, phases: false,
  },
} };
