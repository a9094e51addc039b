import CLinuxPacket

/// The CPUs that this process may run on.
package enum ProcessCPUs {
  /// The calling thread's affinity mask, which is the process's before anything was pinned. Where the kernel
  /// does not say, CPU 0 alone.
  package static var allowed: CPUList {
    var flags = [UInt8](repeating: 0, count: CPUList.highest + 1)
    // SAFETY: as many bytes as are said.
    let status = unsafe flags.withUnsafeMutableBufferPointer { buffer in
      unsafe sluice_allowed_cpus(buffer.baseAddress, Int32(buffer.count))
    }
    return status == 0 ? CPUList(flags.indices.filter { flags[$0] != 0 }) : CPUList([0])
  }
}
