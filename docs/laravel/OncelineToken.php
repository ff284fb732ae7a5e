<?php

declare(strict_types=1);

namespace Onceline;

/** Mints the tokens with which an app of a customer, a driver or an admin connects to Onceline: HS256 JWTs, by hand. */
final class OncelineToken
{
    private const USER_TYPES = ['customer', 'driver', 'admin'];
    /** HS256 with a shorter secret than its hash is weaker than it looks (RFC 7518 3.2). */
    private const MIN_SECRET_BYTES = 32;

    /** @param string $secret JWT_SECRET as it is written: its characters are the key, also where they look like base64 */
    public function __construct(#[\SensitiveParameter] private string $secret)
    {
        if (strlen($secret) < self::MIN_SECRET_BYTES) {
            throw new \InvalidArgumentException('A token needs a secret of 32 bytes at least.');
        }
    }

    /**
     * A token for this user, from now on. It cannot be taken back: let it be short and mint another.
     *
     * @param string $userId 1 to 36 visible ASCII characters
     * @param string $userType customer, driver or admin
     * @param int|null $nowSeconds the time, for tests
     */
    public function mint(string $userId, string $userType, int $lifetimeSeconds = 3600, ?int $nowSeconds = null): string
    {
        if (preg_match('/\A[\x21-\x7e]{1,36}\z/', $userId) !== 1) {
            throw new \InvalidArgumentException("A user's id is 1 to 36 visible ASCII characters.");
        }
        if (!in_array($userType, self::USER_TYPES, true) || $lifetimeSeconds <= 0) {
            throw new \InvalidArgumentException('A token is for a customer, driver or admin, and for some seconds.');
        }
        $now = $nowSeconds ?? time();
        $claims = ['sub' => $userId, 'user_type' => $userType, 'iat' => $now, 'exp' => $now + $lifetimeSeconds];
        $signed = self::part(['alg' => 'HS256', 'typ' => 'JWT']) . '.' . self::part($claims);
        return $signed . '.' . self::base64Url(hash_hmac('sha256', $signed, $this->secret, true));
    }

    private static function part(array $members): string
    {
        return self::base64Url(json_encode($members, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES));
    }

    private static function base64Url(string $bytes): string
    {
        return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    }
}
