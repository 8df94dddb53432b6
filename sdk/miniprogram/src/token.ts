// What a token says about itself. A JWT has three parts; what `doorstep credential add` prints has none to read.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** `sub` is the client's name, `exp` its end in Unix seconds. Mini-programs have no atob. */
export function claims(token: string): { sub?: string; exp?: number } {
  try {
    let bits = 0;
    let held = 0;
    let escaped = "";
    for (const each of token.split(".")[1]) {
      held = (held << 6) | ALPHABET.indexOf(each);
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        escaped += `%${(0x100 | ((held >> bits) & 0xff)).toString(16).slice(1)}`;
      }
    }
    return JSON.parse(decodeURIComponent(escaped));
  } catch {
    return {};
  }
}
