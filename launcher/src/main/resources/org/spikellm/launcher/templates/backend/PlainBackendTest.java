package com.example.plain;

import org.spikellm.api.ComputeBackend;
import org.spikellm.tck.ComputeBackendContract;

class PlainBackendTest extends ComputeBackendContract {

  @Override
  protected ComputeBackend backend() {
    return new PlainBackend();
  }
}
