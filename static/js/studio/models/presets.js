// How networks of common families want their pixels: input = (value × scale − mean) / std, value is 0 to 255.

const PLAIN = { color_mode: "rgb", scale: 1, mean: 0, std: 1, resize_mode: "stretch", resize_filter: "bilinear_antialias" };

/** name -> [title, who does it so, what stands in the fields] */
export const PRESETS = {
  unit: ["colour, 0 to 1", "Values divided by 255, as most tutorials do.", { ...PLAIN, scale: 1 / 255 }],
  inside: ["colour, 0 to 255", "EfficientNet, ConvNeXt and MobileNetV3 of Keras, and networks that begin with a Rescaling layer.", PLAIN],
  tf: ["colour, −1 to 1", "MobileNet, Inception, Xception, NASNet and ResNet V2 of Keras.", { ...PLAIN, scale: 1 / 127.5, mean: 1 }],
  caffe: ["blue before red, less a mean", "VGG and ResNet of Keras.", { ...PLAIN, color_mode: "bgr", mean: [103.939, 116.779, 123.68] }],
  torch: ["ImageNet's mean and deviation", "DenseNet of Keras, and what comes from torchvision.", { ...PLAIN, scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }],
  grey: ["grey, 0 to 1", "Networks with one channel, such as those of handwritten digits.", { ...PLAIN, color_mode: "grayscale", scale: 1 / 255, resize_filter: "area" }],
  older: ["blue before red, 0 to 255", "Older predictors of this server.", { ...PLAIN, color_mode: "bgr", resize_filter: "linear" }],
};
