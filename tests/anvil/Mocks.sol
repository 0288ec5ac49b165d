// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Answers as an uptime feed: 0 is up, 1 is down. Tests write slots 0 and 1.
contract UptimeFeed {
    int256 public answer;
    uint256 public startedAt;

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (1, answer, startedAt, startedAt, 1);
    }
}

/// Answers as a token of six decimals: everybody holds `each`, slot 0.
contract Token {
    uint256 public each;

    function balanceOf(address) external view returns (uint256) {
        return each;
    }

    function decimals() external pure returns (uint8) {
        return 6;
    }
}

/// A contract below a rollup: batches are posted to it, and its way out may be paused, slot 0.
contract Inbox {
    bool public paused;

    event Posted();

    function post() external {
        emit Posted();
    }
}
