-- The lines of each effective day added up by event: what a month of the ledger holds is read from few rows, and not from
-- all lines there are. Made with the lines, in the same statement. `is_out` is money out, all kinds together.
-- No fold goes on meanwhile: what it wrote would stand in the lines and in no sum.
LOCK TABLE {schema}.projection IN EXCLUSIVE MODE;
CREATE TABLE {schema}.statement_day_v1 (
    effective_on            date    NOT NULL,
    topic                   text    NOT NULL,
    is_out                  boolean NOT NULL,
    contribution_rows       bigint  NOT NULL,
    government_paid_rows    bigint  NOT NULL,
    collective_subsidy_rows bigint  NOT NULL,
    social_aid_rows         bigint  NOT NULL,
    government_subsidy_rows bigint  NOT NULL,
    interest_rows           bigint  NOT NULL,
    contribution            bigint  NOT NULL,
    government_paid         bigint  NOT NULL,
    collective_subsidy      bigint  NOT NULL,
    social_aid              bigint  NOT NULL,
    government_subsidy      bigint  NOT NULL,
    interest                bigint  NOT NULL,
    PRIMARY KEY (effective_on, topic, is_out)
);
INSERT INTO {schema}.statement_day_v1
SELECT effective_on, topic,
       coalesce(contribution, 0) + coalesce(government_paid, 0) + coalesce(collective_subsidy, 0)
       + coalesce(social_aid, 0) + coalesce(government_subsidy, 0) + coalesce(interest, 0) < 0,
       count(contribution), count(government_paid), count(collective_subsidy), count(social_aid),
       count(government_subsidy), count(interest),
       coalesce(sum(contribution), 0), coalesce(sum(government_paid), 0), coalesce(sum(collective_subsidy), 0),
       coalesce(sum(social_aid), 0), coalesce(sum(government_subsidy), 0), coalesce(sum(interest), 0)
  FROM {schema}.statement_line_v1 GROUP BY 1, 2, 3;
