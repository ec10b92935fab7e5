"""The classes of Keras that a stored config may name. A class that is on no list is refused.

A test compares the lists with the installed Keras, so that a layer of a new release is looked at before it is allowed.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: They hold, load or call code, or read what their config names.
REFUSED_CLASSES: dict[str, str] = {
    "Lambda": "runs stored Python code",
    "__lambda__": "is stored Python code",
    "TFSMLayer": "loads another SavedModel",
    "TorchModuleWrapper": "unpickles a Torch module",
    "JaxLayer": "runs stored code",
    "FlaxLayer": "runs stored code",
    "TensorFlowOpLayer": "holds a raw TensorFlow op",
    "ClassMethod": "calls a method that its config names",
    "InstanceMethod": "calls a method that its config names",
    "InstanceProperty": "reads a property that its config names",
    "FeatureSpace": "builds itself from stored functions",
    "__typespec__": "makes an object of a class that its config names",
}

#: Base classes: no model holds one itself.
BASE_CLASSES = frozenset({"Layer", "Wrapper", "InputSpec", "Initializer", "Regularizer", "Constraint", "Quantizer"})

LAYERS = _names(
    """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention
    AugMix AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D
    BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate
    ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
    Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose Convolution2D
    Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D Cropping2D Cropping3D CutMix Dense
    DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Equalization Flatten GRU
    GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention HashedCrossing
    Hashing Identity InputLayer IntegerLookup LSTM LSTMCell LayerNormalization LeakyReLU Masking MaxNumBoundingBoxes
    MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum MixUp
    MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RMSNormalization RNN RandAugment
    RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform
    RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective
    RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom
    ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram SeparableConv1D SeparableConv2D
    SeparableConvolution1D SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D
    SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization
    TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
    ZeroPadding3D
    """
)
#: Known to Keras 2 alone; the converter reads them. The two `…OpLambda` are looked into further.
KERAS_2_LAYERS = _names(
    """
    BatchNormalizationV1 BatchNormalizationV2 CuDNNGRU CuDNNLSTM GRUV2 LSTMV2 LocallyConnected1D LocallyConnected2D
    RandomHeight RandomWidth SlicingOpLambda SyncBatchNormalization TFOpLambda ThresholdedReLU
    """
)
MODELS = frozenset({"Functional", "Model", "Sequential"})
#: Of keras.applications: they multiply by numbers.
APPLICATION_LAYERS = frozenset({"CustomScaleLayer", "LayerScale"})
OTHERS = _names(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform IdentityInitializer LecunNormal LecunUniform Ones
    Orthogonal OrthogonalInitializer RandomNormal RandomUniform STFT STFTInitializer TruncatedNormal VarianceScaling
    Zeros constant glorot_normal glorot_uniform he_normal he_uniform identity lecun_normal lecun_uniform ones
    orthogonal random_normal random_uniform stft truncated_normal variance_scaling zeros L1 L1L2 L2
    OrthogonalRegularizer l1 l1_l2 l2 orthogonal_regularizer MaxNorm MinMaxNorm NonNeg UnitNorm max_norm
    min_max_norm non_neg unit_norm AWQDTypePolicy DTypePolicy DTypePolicyMap FloatDTypePolicy GPTQDTypePolicy
    Int4DTypePolicy QuantizedDTypePolicy QuantizedFloat8DTypePolicy Policy SeedGenerator AWQConfig AbsMaxQuantizer
    Float8QuantizationConfig GPTQConfig Int4QuantizationConfig Int8QuantizationConfig QuantizationConfig
    """
)
#: How Keras writes values that JSON has no form for.
VALUES = frozenset(
    {"__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__", "__tuple__"}
)
VALUES_OF_KERAS_2 = frozenset({"TensorShape", "slice"})

KNOWN_CLASSES = LAYERS | KERAS_2_LAYERS | MODELS | APPLICATION_LAYERS | OTHERS | VALUES | VALUES_OF_KERAS_2

#: Keras 2 wraps any function of `tf.…` into a layer; these only compute.
TF_FUNCTIONS = _names(
    """
    __operators__.add __operators__.eq __operators__.floordiv __operators__.ge __operators__.getitem
    __operators__.gt __operators__.le __operators__.lt __operators__.mod __operators__.mul __operators__.ne
    __operators__.neg __operators__.pow __operators__.radd __operators__.rmul __operators__.rsub
    __operators__.rtruediv __operators__.sub __operators__.truediv abs add argmax argmin cast clip_by_value
    compat.v1.gather compat.v1.image.resize_bilinear compat.v1.image.resize_nearest_neighbor compat.v1.nn.softmax
    compat.v1.pad compat.v1.shape compat.v1.size compat.v1.squeeze compat.v1.transpose concat constant
    convert_to_tensor cos divide einsum equal exp expand_dims fill floor gather greater identity image.resize
    image.resize_with_pad less linalg.l2_normalize linalg.matmul math.abs math.add math.argmax math.divide math.exp
    math.floor math.l2_normalize math.log math.maximum math.minimum math.multiply math.negative math.pow
    math.reduce_max math.reduce_mean math.reduce_min math.reduce_sum math.round math.rsqrt math.sigmoid math.softmax
    math.softplus math.sqrt math.square math.subtract math.tanh math.truediv matmul maximum minimum multiply
    negative nn.avg_pool nn.bias_add nn.conv2d nn.convolution nn.depth_to_space nn.depthwise_conv2d nn.elu nn.gelu
    nn.l2_normalize nn.leaky_relu nn.log_softmax nn.max_pool nn.relu nn.relu6 nn.selu nn.sigmoid nn.silu nn.softmax
    nn.softplus nn.softsign nn.space_to_depth nn.swish nn.tanh one_hot ones ones_like pad pow range rank reduce_max
    reduce_mean reduce_min reduce_sum repeat reshape reverse roll round shape sigmoid sin size slice split sqrt
    square squeeze stack stop_gradient strided_slice subtract tanh tensordot tile transpose truediv unstack where
    zeros zeros_like
    """
)
