// How networks of common families want their pixels: input = (value × scale − mean) / std, value is 0 to 255.

const PLAIN = { color_mode: "rgb", scale: 1, mean: 0, std: 1, resize_mode: "stretch", resize_filter: "bilinear_antialias" };

/** name -> [title, what stands in the fields] */
export const PRESETS = {
  unit: ["colour pictures from 0 to 1 (divided by 255)", { ...PLAIN, scale: 1 / 255 }],
  inside: ["colour pictures from 0 to 255 (EfficientNet, ConvNeXt, MobileNetV3 of Keras)", PLAIN],
  tf: ["colour pictures from −1 to 1 (MobileNet, Inception, Xception, ResNet V2 of Keras)", { ...PLAIN, scale: 1 / 127.5, mean: 1 }],
  caffe: ["blue before red, a mean taken off (VGG, ResNet of Keras)", { ...PLAIN, color_mode: "bgr", mean: [103.939, 116.779, 123.68] }],
  torch: ["ImageNet's mean and deviation (DenseNet of Keras, torchvision)", { ...PLAIN, scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }],
  grey: ["grey pictures from 0 to 1 (digits)", { ...PLAIN, color_mode: "grayscale", scale: 1 / 255, resize_filter: "area" }],
  older: ["older predictors of this server (BGR, 0 to 255)", { ...PLAIN, color_mode: "bgr", resize_filter: "linear" }],
};
