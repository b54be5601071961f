/** A salience detector that weighs a channel's inputs with its column of the weight. */
module com.example.energy {
  requires org.spikellm.api;

  provides org.spikellm.api.SalienceDetector with com.example.energy.ColumnEnergy;
}
