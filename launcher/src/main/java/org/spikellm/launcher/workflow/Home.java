package org.spikellm.launcher.workflow;

import java.nio.file.Files;
import java.nio.file.Path;
import org.spikellm.model.CheckpointException;

/** The program's own files: the start script says where they are. */
public final class Home {

  private static final String PROPERTY = "spikellm.home";
  private static final String CONTRACTS = "tck";
  private static final String MODEL = "models/tales-3m";

  private Home() {}

  /**
   * The directory of the embedded model.
   *
   * @throws CheckpointException if the program was not started by its script, or the model is not there
   */
  public static Path model() throws CheckpointException {
    String home = System.getProperty(PROPERTY);
    if (home == null) {
      throw new CheckpointException("the embedded model: expected -D" + PROPERTY
          + "=DIR to say where the program's files are; start it with the script spikellm");
    }
    Path model = Path.of(home, MODEL);
    if (!Files.isDirectory(model)) {
      throw new CheckpointException(model + ": the embedded model is not there; build or unpack the program again");
    }
    return model;
  }

  /**
   * The directory of the modules that hold the contracts of providers.
   *
   * @throws CheckpointException if the program was not started by its script, or they are not there
   */
  static Path contracts() throws CheckpointException {
    String home = System.getProperty(PROPERTY);
    Path contracts = home == null ? Path.of(CONTRACTS) : Path.of(home, CONTRACTS);
    if (home == null || !Files.isDirectory(contracts)) {
      throw new CheckpointException(contracts
          + ": the contracts of providers are not there; build or unpack the program again, and start "
          + "it with the script spikellm");
    }
    return contracts;
  }

  /** The text that is calibrated on where none is given. */
  public static Path calibrationText() throws CheckpointException {
    return model().resolve("calibration.txt");
  }

  /** A short text to measure the embedded model on. */
  public static Path evaluationText() throws CheckpointException {
    return model().resolve("evaluation.txt");
  }
}
