"""The tutorial "Subclassing Tuner for custom training loops" of 1.0, as it has to be since 1.1."""

import keras
import keras_tuner as kt
import numpy as np
import tensorflow as tf


def build_model(hp):
    """Builds a convolutional model."""
    inputs = keras.Input(shape=(8, 8, 1))
    x = inputs
    for i in range(hp.Int("conv_layers", 1, 2, default=2)):
        x = keras.layers.Conv2D(
            filters=hp.Int("filters_" + str(i), 4, 8, step=4, default=8),
            kernel_size=hp.Int("kernel_size_" + str(i), 3, 5),
            activation="relu",
            padding="same",
        )(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs)


class MyTuner(kt.Tuner):
    def run_trial(self, trial, train_ds):
        hp = trial.hyperparameters

        # Hyperparameters can be added anywhere inside `run_trial`.
        # When the first trial is run, they will take on their default values.
        # Afterwards, they will be tuned by the `Oracle`.
        train_ds = train_ds.batch(hp.Int("batch_size", 32, 128, step=32, default=64))

        model = self.hypermodel.build(trial.hyperparameters)
        lr = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3)
        optimizer = keras.optimizers.Adam(lr)
        epoch_loss_metric = keras.metrics.Mean()

        @tf.function
        def run_train_step(data):
            images = tf.dtypes.cast(data["image"], "float32") / 255.0
            labels = data["label"]
            with tf.GradientTape() as tape:
                logits = model(images)
                loss = keras.losses.sparse_categorical_crossentropy(labels, logits)
                # Add any regularization losses.
                if model.losses:
                    loss += tf.math.add_n(model.losses)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
            epoch_loss_metric.update_state(loss)
            return loss

        for epoch in range(2):
            print("Epoch: {}".format(epoch))

            self.on_epoch_begin(trial, model, epoch, logs={})
            for batch, data in enumerate(train_ds):
                self.on_batch_begin(trial, model, batch, logs={})
                batch_loss = float(np.mean(run_train_step(data)))
                self.on_batch_end(trial, model, batch, logs={"loss": batch_loss})

            epoch_loss = float(epoch_loss_metric.result().numpy())
            self.on_epoch_end(trial, model, epoch, logs={"loss": epoch_loss})
            epoch_loss_metric.reset_state()
        return {"loss": epoch_loss}


def main():
    tuner = MyTuner(
        oracle=kt.oracles.BayesianOptimizationOracle(
            objective=kt.Objective("loss", "min"), max_trials=2
        ),
        hypermodel=build_model,
        directory="results",
        project_name="mnist_custom_training",
    )

    mnist_train = tf.data.Dataset.from_tensor_slices(
        {"image": np.random.randint(0, 256, (64, 8, 8, 1)), "label": np.random.randint(0, 10, 64)}
    )
    tuner.search(train_ds=mnist_train)

    best_hps = tuner.get_best_hyperparameters()[0]
    print(best_hps.values)
    assert {"batch_size", "learning_rate", "conv_layers"} <= set(best_hps.values)


if __name__ == "__main__":
    main()
    print("OK")
