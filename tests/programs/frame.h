/* gcc leaves the frame pointer alone in leaf functions whatever -fno-omit-frame-pointer says, and a call
 * chain then misses the caller. A function that asks for its frame address has to set it up. */
#define KEEP_FRAME __asm__ volatile("" : : "r"(__builtin_frame_address(0)))
