import Gateway
import Testing

@Suite("Lists of CPUs (cpuset(7))")
struct CPUListTests {
  @Test(arguments: [
    ("0-3,8\n", [0, 1, 2, 3, 8]), ("5", [5]), ("", []), ("\n", []), ("3,1,1-2", [1, 2, 3]),
    ("8191", [8191]), (" 0-1 ", [0, 1]),
  ])
  func `the kernel's format is read`(text: String, numbers: [Int]) {
    #expect(CPUList(text: text)?.numbers == numbers)
  }

  @Test(arguments: [
    "a", "-1", "3-1", "1-", "-", ",", "1,,2", "0-8192", "99999999999999999999", "+1", "0x1", "1 2", "0-3:1/2",
    "1-2-3", "\u{0}", "\u{0661}",
  ])
  func `anything else is refused`(text: String) {
    #expect(CPUList(text: text) == nil)
  }

  @Test(arguments: [([0, 1, 2, 3, 8], "0-3,8"), ([7], "7"), ([], "none"), ([1, 3, 4], "1,3-4")])
  func `what is shown is what the kernel shows`(numbers: [Int], text: String) {
    #expect("\(CPUList(numbers))" == text)
  }
}
